import { LOG } from '../observability/tokens';
import type { Log } from '../observability/log';
import { Inject, Injectable } from '@nestjs/common';
import type { Channel } from '../contract/channels';
import type { DispatchListener } from '../dispatch/ports';
import { Halts } from '../kafka/partitions/halts';

/** What else follows from the API's health: reading halts, and the log tells operators. */
@Injectable()
export class ApiAlarms implements DispatchListener {
  constructor(
    private readonly halts: Halts,
    @Inject(LOG) private readonly log: Log,
  ) {}

  onHalted(isHalted: boolean): void {
    this.halts.set('api', isHalted);
  }

  onShut(isShut: boolean): void {
    const message = isShut ? 'the Messages API fails: nothing is sent but probes' : 'the Messages API works again';
    this.log('warn', message, {});
  }

  onChannelShut(channel: Channel, isShut: boolean): void {
    const message = isShut ? 'a channel fails: nothing of it is sent but probes' : 'the channel works again';
    this.log('warn', message, { channel });
  }

  onKeyRefused(httpStatus: number | null, workspaceId: string): void {
    this.log('warn', 'the Messages API refuses the key: its commands wait', { httpStatus, workspaceId });
  }
}
