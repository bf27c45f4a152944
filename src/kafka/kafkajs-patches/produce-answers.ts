/** Kafka's answer to a produce request. */
interface ProduceAnswer {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[];
  }[];
}

interface ResponseModule {
  parse: (answer: ProduceAnswer) => Promise<ProduceAnswer>;
}

/** Version 3 is the first one with record batches. All later versions use its `parse`. */
const RESPONSE_MODULE = 'kafkajs/src/protocol/requests/produce/v3/response';
const NO_ERROR = 0;

const answers = new WeakMap<Error, ProduceAnswer>();
let isPatched = false;

/**
 * Keeps the answer to a produce request, which kafkajs 2.2.4 throws away if one partition has refused its records. The
 * whole request then counts as refused, and records that other partitions have taken would be written again. Must be
 * called before anything is produced: later versions copy `parse` when they are loaded.
 */
export function patchProduceAnswers(): void {
  if (isPatched) return;
  isPatched = true;
  const response = require(RESPONSE_MODULE) as ResponseModule;
  const { parse } = response;
  response.parse = (answer) =>
    parse(answer).catch((error: unknown) => {
      if (error instanceof Error) answers.set(error, answer);
      throw error;
    });
}

/** The partitions, as `<topic>/<partition>`, that took their records although the request failed with `error`. */
export function takenDespite(error: unknown): ReadonlySet<string> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const answer = answers.get(cause);
    if (answer === undefined) continue;
    const taken = answer.topics.flatMap(({ topicName, partitions }) =>
      partitions
        .filter(({ errorCode }) => errorCode === NO_ERROR)
        .map(({ partition }) => placeName(topicName, partition)),
    );
    return new Set(taken);
  }
  return new Set();
}

export function placeName(topic: string, partition: number | undefined): string {
  return `${topic}/${partition}`;
}
