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

/** Of the first version that knows record batches; all later ones take its `parse`. */
const RESPONSE_MODULE = 'kafkajs/src/protocol/requests/produce/v3/response';
const NO_ERROR = 0;

const answers = new WeakMap<Error, ProduceAnswer>();
let isMended = false;

/**
 * Keeps what kafkajs 2.2.4 throws away: a produce request that one partition refuses counts as refused altogether, though the
 * others have taken their records, and those would be written again. To be called before anything is produced, since the
 * later versions take over what is there when they are loaded.
 */
export function mendProduceAnswers(): void {
  if (isMended) return;
  isMended = true;
  const response = require(RESPONSE_MODULE) as ResponseModule;
  const { parse } = response;
  response.parse = (answer) =>
    parse(answer).catch((error: unknown) => {
      if (error instanceof Error) answers.set(error, answer);
      throw error;
    });
}

/** The partitions, as `<topic>/<partition>`, that have taken their records although the request failed with `error`. */
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
