import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/dispatch/clock';

describe("the system's clock", () => {
  it('runs what is put off after what others put off to the end of the turn, as undici does with calls', async () => {
    const ran: string[] = [];
    systemClock.soon(() => ran.push('put off'));
    setImmediate(() => ran.push('call'));
    await turn();
    await turn();
    expect(ran).toEqual(['call', 'put off']);
  });
});
