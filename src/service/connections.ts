import { Inject, Injectable } from '@nestjs/common';
import { SharedClient } from '../kafka/client/shared-client';
import { Publishers } from '../kafka/publish/publishers';
import { StartChecks } from '../kafka/start/start-checks';
import { ApiKeys } from '../messages-api/api-keys';
import { SETTLED_STORE, type SettledStore } from '../settlement/settled-store';

/** Everything that is opened before the first record is read, and closed after the last offset is committed. */
@Injectable()
export class Connections {
  constructor(
    private readonly checks: StartChecks,
    private readonly client: SharedClient,
    private readonly publishers: Publishers,
    private readonly keys: ApiKeys,
    @Inject(SETTLED_STORE) private readonly store: SettledStore,
  ) {}

  /**
   * Resolves to false if `signal` aborts before Kafka serves.
   *
   * @throws StartError that says what is refused or missing
   */
  async open(onKeysChanged: (isCurrent: (key: string) => boolean) => void, signal: AbortSignal): Promise<boolean> {
    if (!(await this.checks.untilKafkaServes(signal))) return false;
    await Promise.all([this.store.start(), this.publishers.start()]);
    this.keys.start(() => onKeysChanged((key) => this.keys.has(key)));
    return true;
  }

  async close(): Promise<void> {
    this.keys.stop();
    await Promise.all([this.client.stop(), this.store.stop(), this.publishers.stop()]);
  }
}
