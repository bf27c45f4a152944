import { toPropertiesFile } from '../../../tools/kafka/java-fleet';
import { startKafka } from '../../../tools/kafka/start-kafka';
import { withEnvironment } from './with-environment';

describe('the properties of a broker on Java', () => {
  it('are one line each, escaped as Java reads them', () => {
    expect(toPropertiesFile({ 'a.b': 'c=d', pem: '-----BEGIN\nx\n', path: 'C:\\kafka' })).toBe(
      'a.b=c=d\npem=-----BEGIN\\nx\\n\npath=C:\\\\kafka\n',
    );
  });
});

describe('brokers with security', () => {
  it('are refused if they do not run on Java', async () => {
    const security = { listeners: { TLS: 'SSL' }, scramUsers: {} } as const;
    const environment = { KAFKA_BROKERS: '127.0.0.1:1', DEV_KAFKA: undefined };
    await expect(withEnvironment(environment, () => startKafka({ security }))).rejects.toThrow('DEV_KAFKA=java');
  });
});
