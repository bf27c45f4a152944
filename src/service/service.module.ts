import { Module } from '@nestjs/common';
import { DispatchModule } from '../dispatch/dispatch.module';
import { SERVICE_STATUS } from '../health/service-status';
import { KafkaModule } from '../kafka/kafka.module';
import { MessagesApiModule } from '../messages-api/messages-api.module';
import { SettlementModule } from '../settlement/settlement.module';
import { ApiAlarms } from './api-alarms';
import { CommandFlow } from './command-flow';
import { CommandTransport } from './command-transport';
import { Connections } from './connections';
import { HandlerSender } from './handler-sender';
import { Lifecycle } from './lifecycle';
import { RunningGauges } from './running-gauges';
import { RunningStatus } from './running-status';

/** Connects the parts of the service. Read command-flow.ts first. */
@Module({
  imports: [KafkaModule, DispatchModule, MessagesApiModule, SettlementModule],
  providers: [
    CommandFlow,
    ApiAlarms,
    HandlerSender,
    Connections,
    Lifecycle,
    CommandTransport,
    RunningGauges,
    { provide: SERVICE_STATUS, useClass: RunningStatus },
  ],
  exports: [CommandTransport, Lifecycle, SERVICE_STATUS],
})
export class ServiceModule {}
