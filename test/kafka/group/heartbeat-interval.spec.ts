import { HeartbeatInterval } from '../../../src/kafka/group/heartbeat-interval';

describe('the heartbeat interval', () => {
  it('is its number of milliseconds before the group is joined', () => {
    expect(new HeartbeatInterval(600).asMilliseconds() >= 6_000).toBe(false);
    expect(1_000 + new HeartbeatInterval(600).asMilliseconds()).toBe(1_600);
  });

  it.each([0, 3_600_000, -3_600_000])(
    'makes heartbeats due by the monotonic clock while the wall clock is off by %d ms',
    (offMs) => {
      let nowMs = 5_000;
      const interval = new HeartbeatInterval(600, () => nowMs);
      const isDue = (): boolean => 1_000_000 + offMs >= 1_000_000 + interval.asMilliseconds();
      interval.joined();
      expect(isDue()).toBe(false);
      nowMs += 599;
      expect(isDue()).toBe(false);
      nowMs += 1;
      expect(isDue()).toBe(true);
      expect(isDue()).toBe(false);
    },
  );

  it('says when an answered heartbeat was sent, even if its answer is read late', () => {
    let nowMs = 5_000;
    const interval = new HeartbeatInterval(600, () => nowMs);
    interval.joined();
    nowMs += 700;
    expect(interval.asMilliseconds() < 0).toBe(true);
    nowMs += 9_000;
    expect(interval.answered()).toBe(5_700);
  });
});
