/** Injection token of the Telemetry. */
export const TELEMETRY = Symbol('TELEMETRY');
/** Injection token of the root pino logger. */
export const LOGGER = Symbol('LOGGER');
