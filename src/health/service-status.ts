/** One consumer, for the probes. */
export interface ConsumerStatus {
  /** Its command topic, or the common start of its retry topics' names. */
  readonly name: string;
  /** Whether it has joined its group at least once. */
  readonly hasJoined: boolean;
  /** How long it has been out of its group, in milliseconds; 0 while it is a member. */
  readonly outForMs: number;
  /** It crashed too often and is not restarted any more. */
  readonly isDead: boolean;
}

/** The Messages API as dispatch sees it. */
export interface ApiStatus {
  /** Every channel in use fails. */
  readonly isDown: boolean;
  readonly channels: readonly { readonly channel: string; readonly isOpen: boolean; readonly openWorkspaces: number }[];
  readonly keysRefused: number;
  readonly workspacesRefused: number;
}

/** The state of the running service, for the probes. Every method answers from memory. */
export interface ServiceStatus {
  consumers(): readonly ConsumerStatus[];
  /** Whether the topics are checked and every consumer has joined its group once. */
  isStarted(): boolean;
  isDraining(): boolean;
  /** How long the dispatch loop has been overdue; 0 if it is not. */
  dispatchOverdueMs(): number;
  apiHealth(): ApiStatus;
  /** Whether commands can be claimed in the store of settled commands. */
  isSettledStoreAvailable(): boolean;
  /**
   * Command topics of which nothing is sent, since so much that was sent of them is not recorded; empty if there are
   * none.
   */
  unrecordedTopics(): readonly string[];
  /** Topics of results, dead letters and retry records that Kafka does not take at the moment. */
  unwritableTopics(): readonly string[];
  /** The reasons why nothing is read at the moment; empty if there are none. */
  haltedBy(): readonly string[];
}

/** Injection token of the {@link ServiceStatus}. */
export const SERVICE_STATUS = Symbol('SERVICE_STATUS');
