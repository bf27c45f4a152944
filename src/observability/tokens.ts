/** Injection token of the Telemetry. */
export const TELEMETRY = Symbol('TELEMETRY');
/** Injection token of the Log. */
export const LOG = Symbol('LOG');
