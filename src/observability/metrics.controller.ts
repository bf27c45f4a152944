import { Controller, Get, Inject, Res } from '@nestjs/common';
import { Metrics } from './metrics';

/** The part of Express's response that is used here. */
interface Response {
  type(contentType: string): void;
}

/** `GET /metrics`, for Prometheus. */
@Controller()
export class MetricsController {
  constructor(@Inject(Metrics) private readonly metrics: Metrics) {}

  @Get('metrics')
  read(@Res({ passthrough: true }) response: Response): Promise<string> {
    response.type(this.metrics.contentType);
    return this.metrics.render();
  }
}
