import { Inject, Injectable } from '@nestjs/common';
import { Dispatcher } from '../dispatch/dispatcher';
import type { ApiStatus, ConsumerStatus, ServiceStatus } from '../health/service-status';
import { CommandConsumers } from '../kafka/group/command-consumers';
import { Halts } from '../kafka/partitions/halts';
import { Publishers } from '../kafka/publish/publishers';
import { SETTLED_STORE, type SettledStore } from '../settlement/settled-store';
import { Lifecycle } from './lifecycle';

/** Reads the state for the probes from the running service. */
@Injectable()
export class RunningStatus implements ServiceStatus {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly running: CommandConsumers,
    private readonly dispatcher: Dispatcher,
    private readonly halts: Halts,
    private readonly publishers: Publishers,
    @Inject(SETTLED_STORE) private readonly store: SettledStore,
  ) {}

  consumers(): readonly ConsumerStatus[] {
    return this.running.statuses(performance.now());
  }

  isStarted(): boolean {
    return this.lifecycle.isStarted;
  }

  isDraining(): boolean {
    return this.lifecycle.isDraining;
  }

  dispatchOverdueMs(): number {
    return this.dispatcher.overdueMs();
  }

  apiHealth(): ApiStatus {
    return this.dispatcher.apiHealth;
  }

  isSettledStoreAvailable(): boolean {
    return this.store.isAvailable;
  }

  unrecordedTopics(): readonly string[] {
    return this.dispatcher.unrecorded.flatMap(({ topic, isFull }) => (isFull ? [topic] : []));
  }

  unwritableTopics(): readonly string[] {
    return this.publishers.unwritable;
  }

  haltedBy(): readonly string[] {
    return this.halts.current;
  }
}
