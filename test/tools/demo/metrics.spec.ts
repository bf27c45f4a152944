import { channelMetrics } from '../../../tools/demo/metrics';

const TEXT = `# HELP messages_dispatcher_retries_total Retries.
# TYPE messages_dispatcher_retries_total counter
messages_dispatcher_retries_total{channel="whatsapp",error_type="limited"} 3
messages_dispatcher_retries_total{channel="whatsapp",error_type="reset"} 4
messages_dispatcher_retries_total{channel="telegram",error_type="reset"} 50
messages_dispatcher_lag_messages{messaging_destination_name="demo.commands.whatsapp",messaging_destination_partition_id="0"} 10
messages_dispatcher_lag_messages{messaging_destination_name="demo.commands.whatsapp.bulk",messaging_destination_partition_id="7"} 1e3
messages_dispatcher_lag_messages{messaging_destination_name="other.commands.whatsapp",messaging_destination_partition_id="0"} 7
`;

describe('channelMetrics', () => {
  it('adds up the retries of a channel, and the lag of both its lanes', () => {
    expect(channelMetrics(TEXT, 'whatsapp', 'demo.')).toEqual({ retried: 7, lag: 1_010 });
  });

  it('is zero if there are no values', () => {
    expect(channelMetrics('', 'whatsapp', 'demo.')).toEqual({ retried: 0, lag: 0 });
  });
});
