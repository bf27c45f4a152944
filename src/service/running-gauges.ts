import { Inject, Injectable } from '@nestjs/common';
import { Dispatcher } from '../dispatch/dispatcher';
import { CommandConsumers } from '../kafka/group/command-consumers';
import type { ApiGauges, Gauges, PartitionGauges, Telemetry } from '../observability/telemetry';
import { TELEMETRY } from '../observability/tokens';
import { SETTLED_STORE, type SettledStore } from '../settlement/settled-store';

/** Reads the gauges of the metrics from the running service. */
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

  api(): ApiGauges {
    return this.dispatcher.apiHealth;
  }

  settledStoreAvailable(): number {
    return Number(this.store.isAvailable);
  }

  commandsInMemory(): number {
    return this.consumers.inMemory.commands;
  }

  bytesInMemory(): number {
    return this.consumers.inMemory.bytes;
  }

  unrecorded(): ReturnType<Gauges['unrecorded']> {
    return this.dispatcher.unrecorded;
  }

  partitions(): Iterable<PartitionGauges> {
    return this.consumers.gauges(performance.now());
  }
}
