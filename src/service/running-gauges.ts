import { Inject, Injectable } from '@nestjs/common';
import { Dispatcher } from '../dispatch/dispatcher';
import { CommandConsumers } from '../kafka/group/command-consumers';
import type { Gauges, PartitionGauges, Telemetry } from '../observability/telemetry';
import { TELEMETRY } from '../observability/tokens';
import { SETTLED_STORE, type SettledStore } from '../settlement/settled-store';

/** What the metrics ask of the running service. */
@Injectable()
export class RunningGauges implements Gauges {
  constructor(
    private readonly consumers: CommandConsumers,
    private readonly dispatcher: Dispatcher,
    @Inject(SETTLED_STORE) private readonly store: SettledStore,
    @Inject(TELEMETRY) telemetry: Telemetry,
  ) {
    telemetry.watch(this);
  }

  inFlight(): number {
    return this.dispatcher.inFlight;
  }

  waiting(): number {
    return this.dispatcher.waiting;
  }

  circuitOpen(): number {
    return Number(this.dispatcher.isCircuitOpen);
  }

  credentialsRefused(): number {
    return this.dispatcher.refusedCredentials;
  }

  settledStoreAvailable(): number {
    return Number(this.store.isAvailable);
  }

  commandsInMemory(): number {
    return this.consumers.held.commands;
  }

  bytesInMemory(): number {
    return this.consumers.held.bytes;
  }

  unrecorded(): ReturnType<Gauges['unrecorded']> {
    return this.dispatcher.unrecorded;
  }

  partitions(): Iterable<PartitionGauges> {
    return this.consumers.gauges(performance.now());
  }
}
