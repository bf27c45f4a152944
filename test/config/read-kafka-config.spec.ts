import { readKafkaConfig } from '../../src/config/read-kafka-config';

describe("Kafka's configuration", () => {
  it('needs no other settings', () => {
    const read = readKafkaConfig({ KAFKA_BROKERS: 'a:1,b:2', KAFKA_GROUP_ID: 'g', TOPIC_PREFIX: 'p.' });
    expect(read).toMatchObject({ ok: true, config: { brokers: ['a:1', 'b:2'], groupId: 'g', topicPrefix: 'p.' } });
  });

  it('has a client id that no replica has', () => {
    const read = readKafkaConfig({ KAFKA_BROKERS: 'a:1', REPLICA_ID: 'r-1' });
    expect(read).toMatchObject({ ok: true, config: { clientId: 'messages-dispatcher-cli' } });
  });

  it('is read from files too, and its faults do not quote values', () => {
    const env = { KAFKA_BROKERS: 'nonsense', KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME_FILE: '/name' };
    const read = readKafkaConfig(env, () => 'operator');
    expect(read).toEqual({
      ok: false,
      faults: [
        'KAFKA_BROKERS: must be one or more host:port, comma-separated',
        'KAFKA_SASL_PASSWORD: must be set together with KAFKA_SASL_MECHANISM and KAFKA_SASL_USERNAME',
      ],
    });
  });

  it('ignores settings of the service that are missing or wrong', () => {
    const env = { KAFKA_BROKERS: 'a:1', MESSAGES_API_URL: 'nonsense', MAX_IN_FLIGHT: 'many' };
    expect(readKafkaConfig(env)).toMatchObject({ ok: true });
  });
});
