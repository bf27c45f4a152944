import { Membership } from '../../../src/kafka/group/membership';

describe('Membership', () => {
  it('is alive for a session timeout after the last request that the group answered was sent', () => {
    const membership = new Membership(6_000);
    expect(membership.isAlive(6_000)).toBe(false);
    membership.joined('m-1', 10_000);
    expect([membership.isAlive(15_999), membership.isAlive(16_000)]).toEqual([true, false]);
    membership.heard(12_000);
    expect([membership.isAlive(17_999), membership.isAlive(18_000)]).toEqual([true, false]);
  });

  it('dates an answer to joining back to the moment when it left the group', () => {
    const membership = new Membership(6_000);
    membership.joined('m-1', 10_000);
    membership.left(11_000);
    membership.left(14_000);
    membership.joined('m-1', 30_000);
    expect(membership.isAlive(17_000)).toBe(false);
  });

  it('takes a rejoin that no event announced for no sign of life', () => {
    const membership = new Membership(6_000);
    membership.joined('m-1', 10_000);
    membership.heard(12_000);
    membership.joined('m-1', 30_000);
    expect(membership.isAlive(30_000)).toBe(false);
    membership.heard(30_500);
    expect(membership.isAlive(30_500)).toBe(true);
  });

  it('says when the group has given it another id', () => {
    const membership = new Membership(6_000);
    expect(membership.joined('m-1', 1_000)).toBe(true);
    expect(membership.joined('m-1', 2_000)).toBe(false);
    expect(membership.joined('m-2', 3_000)).toBe(true);
  });

  it('is out after it left, or once the group was silent for a session timeout, and never before it joined', () => {
    const membership = new Membership(6_000);
    expect([membership.hasJoined, membership.outForMs(99_000)]).toEqual([false, 0]);
    membership.joined('m-1', 100_000);
    expect([membership.hasJoined, membership.outForMs(106_000), membership.outForMs(106_001)]).toEqual([
      true,
      0,
      6_001,
    ]);
    membership.left(103_000);
    expect(membership.outForMs(104_000)).toBe(1_000);
  });
});
