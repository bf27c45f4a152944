import { brokerProperties, jvmOptions } from '../../../tools/kafka/broker-properties';
import type { NodeEndpoints } from '../../../tools/kafka/broker-properties';

function node(name: string): NodeEndpoints {
  return {
    listen: ':9092',
    advertised: `${name}:1`,
    internalListen: ':9094',
    internalAdvertised: `${name}:2`,
    controllerListen: ':9093',
    controllerAdvertised: `${name}:3`,
    extra: [],
  };
}

describe('brokerProperties', () => {
  it('replicates over three brokers and requires two of them', () => {
    expect(brokerProperties([node('a'), node('b'), node('c')], 1, {})).toMatchObject({
      'node.id': '2',
      'controller.quorum.voters': '1@a:3,2@b:3,3@c:3',
      'advertised.listeners': 'CLIENT://b:1,INTERNAL://b:2',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
    });
  });

  it('needs no replication for one broker, and lets the caller replace any property', () => {
    expect(
      brokerProperties([node('a')], 0, { 'num.partitions': '7', 'auto.create.topics.enable': 'true' }),
    ).toMatchObject({
      'offsets.topic.replication.factor': '1',
      'min.insync.replicas': '1',
      'num.partitions': '7',
      'auto.create.topics.enable': 'true',
    });
  });

  it('adds listeners to the usual ones, and advertises the addresses that they listen on', () => {
    const extra = [
      { name: 'TLS', protocol: 'SSL', listen: 'a:4' },
      { name: 'LOGIN', protocol: 'SASL_SSL', listen: 'a:5' },
    ] as const;
    expect(brokerProperties([{ ...node('a'), extra }], 0, {})).toMatchObject({
      listeners: 'CLIENT://:9092,INTERNAL://:9094,CONTROLLER://:9093,TLS://a:4,LOGIN://a:5',
      'advertised.listeners': 'CLIENT://a:1,INTERNAL://a:2,TLS://a:4,LOGIN://a:5',
      'listener.security.protocol.map':
        'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,LOGIN:SASL_SSL',
    });
  });
});

describe('jvmOptions', () => {
  it('limits the compiler only for a fast start', () => {
    expect(jvmOptions(true)).toContain('-XX:TieredStopAtLevel=1');
    expect(jvmOptions(false)).not.toContain('-XX:TieredStopAtLevel=1');
  });
});
