import { KafkaResponseDeserializer } from '@nestjs/microservices';

import {
  deadLetterHeaders,
  replyHeaders,
  replyTarget,
  resultHeaders,
  truncatedDeadLetterHeaders,
  type Headers,
} from '../../src/contract/headers';

const cause = {
  source: { topic: 'messages.commands.whatsapp', partition: 3, offset: '1042' },
  timestamp: '1795348800000',
  outcome: 'rejected',
  error: 'e'.repeat(3_000),
  attempts: 2,
} as const;

describe('the headers of a result', () => {
  test('name the command and its outcome, and copy its headers for tracing and correlation', () => {
    const own: Headers = {
      traceparent: Buffer.from('00-a-b-01'),
      tracestate: 'x=y',
      kafka_correlationId: Buffer.from('c1'),
      other: 'not copied',
    };
    expect(resultHeaders(own, 'a', 'accepted')).toEqual({
      'command-id': 'a',
      outcome: 'accepted',
      'content-type': 'application/json',
      traceparent: Buffer.from('00-a-b-01'),
      tracestate: 'x=y',
      kafka_correlationId: Buffer.from('c1'),
    });
  });

  test('leave out headers that the command does not have or that are too large', () => {
    const own: Headers = { traceparent: 'x'.repeat(257), tracestate: '', kafka_correlationId: [] };
    expect(resultHeaders(own, null, 'invalid')).toEqual({ outcome: 'invalid', 'content-type': 'application/json' });
  });
});

describe('the reply', () => {
  test.each([
    ['3', 3],
    ['0', 0],
    ['-1', null],
    ['1.5', null],
    ['x', null],
    ['', null],
    ['2147483648', null],
    ['99999999999', null],
    [[0, 0, 0, 3], 3],
    [[0, 0xff, 0xff, 0xff], 16_777_215],
    ['0x10', null],
    [[0xff, 0xff, 0xff, 0xff], null],
    [[0, 0, 3], null],
    [[0, 0, 0, 0, 3], null],
    ['0012', 12],
  ])('goes to the partition %j as %j', (given, partition) => {
    const bytes = typeof given === 'string' ? Buffer.from(given) : Buffer.from(given);
    const own = { kafka_replyTopic: Buffer.from('replies'), kafka_replyPartition: bytes };
    expect(replyTarget(own)).toEqual({ topic: 'replies', partition, correlationId: null });
  });

  test.each([[undefined], [''], ['a b'], ['.'], ['..'], ['x'.repeat(250)], ['a\n']])(
    'is not sent to the topic %j',
    (topic) => {
      expect(replyTarget({ kafka_replyTopic: topic })).toBeNull();
    },
  );

  test('uses the last of several values', () => {
    expect(replyTarget({ kafka_replyTopic: ['a', 'b'], kafka_correlationId: ['1', '2'] })).toEqual({
      topic: 'b',
      partition: null,
      correlationId: '2',
    });
  });

  test('completes a request of Nest’s client', () => {
    const headers = replyHeaders({ topic: 'replies', partition: null, correlationId: Buffer.from('c1') });
    expect(new KafkaResponseDeserializer().deserialize({ headers, value: 'result' })).toEqual({
      id: 'c1',
      response: 'result',
      isDisposed: true,
    });
  });
});

describe('the headers of a dead letter', () => {
  const ours = {
    'kafka_dlt-original-topic': 'messages.commands.whatsapp',
    'kafka_dlt-original-partition': '3',
    'kafka_dlt-original-offset': '1042',
    'kafka_dlt-original-timestamp': '1795348800000',
    outcome: 'rejected',
    error: 'e'.repeat(2_000),
    attempts: '2',
  };

  test('are the command’s own and the service’s, which win', () => {
    const own: Headers = { outcome: 'forged', traceparent: 't', several: ['1', '2'] };
    expect(deadLetterHeaders(own, cause)).toEqual({ ...ours, traceparent: 't', several: ['1', '2'] });
  });

  test('are only the service’s if it is truncated', () => {
    expect(truncatedDeadLetterHeaders(cause)).toEqual({ ...ours, 'kafka_dlt-truncated': 'true' });
  });
});
