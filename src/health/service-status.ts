/** One consumer as the probes see it. */
export interface ConsumerStatus {
  /** Its command topic, or what its retry topics begin with. */
  readonly name: string;
  /** Whether it has joined its group at least once. */
  readonly hasJoined: boolean;
  /** For how long it has been out of its group; 0 while it is in it. */
  readonly outForMs: number;
  /** It crashed more often than it may, and is not restarted. */
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

/** What the probes ask of the running service. Every method answers from memory. */
export interface ServiceStatus {
  consumers(): readonly ConsumerStatus[];
  /** Topics checked and every consumer joined once. */
  isStarted(): boolean;
  isDraining(): boolean;
  /** For how long the dispatch loop has been overdue; 0 while it is not. */
  dispatchOverdueMs(): number;
  apiHealth(): ApiStatus;
  /** Whether commands can be claimed in the store of settled commands. */
  isSettledStoreAvailable(): boolean;
  /** Why nothing is read at the moment; empty while everything is. */
  haltedBy(): readonly string[];
}

/** Injection token of the {@link ServiceStatus}. */
export const SERVICE_STATUS = Symbol('SERVICE_STATUS');
