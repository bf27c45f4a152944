/** A fault of one variable. The message completes `<variable>: …`. */
export interface Fault {
  readonly variable: string;
  readonly message: string;
}
