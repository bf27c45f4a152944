import { readFile } from 'node:fs/promises';

/** Ticks per second (USER_HZ): on Linux always 100 in user space, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;

/** CPU seconds (user and system) that a process has used so far, in all its threads. Linux only. */
export async function cpuSeconds(pid: number): Promise<number> {
  return parseCpuSeconds(await readFile(`/proc/${pid}/stat`, 'utf8'));
}

/** The most memory that a process ever had resident, in MiB. Linux only. */
export async function peakMemoryMib(pid: number): Promise<number> {
  return parsePeakMib(await readFile(`/proc/${pid}/status`, 'utf8'));
}

/**
 * Fields 14 and 15 of `/proc/<pid>/stat` (proc_pid_stat(5)). Counted after the name, which may contain blanks and
 * brackets.
 */
export function parseCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** `VmHWM` of `/proc/<pid>/status`. */
export function parsePeakMib(status: string): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error('no VmHWM in the process status');
  return Number(kib) / 1024;
}
