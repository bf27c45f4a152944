import { cpuSeconds, parseCpuSeconds, parsePeakMib, peakMemoryMib } from '../../../tools/lib/process-usage';

describe('the usage of a process', () => {
  it('is read after its name, with any characters in the name', () => {
    const stat = '42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 11 0 12345 1 2';
    expect(parseCpuSeconds(stat)).toBe(3);
  });

  it('is in MiB', () => {
    expect(parsePeakMib('VmPeak:\t 9999 kB\nVmHWM:\t  204800 kB\nVmRSS:\t 1 kB\n')).toBe(200);
  });

  it('is an error if the system does not tell it', () => {
    expect(() => parsePeakMib('Name:\tkernel\n')).toThrow('VmHWM');
  });

  it('is about the same as Node reports of itself', async () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    expect(await cpuSeconds(process.pid)).toBeCloseTo((userCPUTime + systemCPUTime) / 1e6, 0);
    expect((await peakMemoryMib(process.pid)) / (maxRSS / 1024)).toBeCloseTo(1, 1);
  });
});
