/**
 * V8 sizes its heap by the machine: on a large one it lets garbage pile up to several times of what is alive. A replica is
 * one of many in small containers, so the young generation is bounded, and the old one is collected once it has grown by
 * three fifths. JavaScript is optimized one function at a time and by one compiler, without the quick one between: what
 * compilers take for a moment, malloc would keep. glibc gives every thread a heap of its own, of which V8's and libuv's
 * threads leave most unused: they share one. With every large block that is freed it keeps more of what is freed later: here
 * it does not.
 * All this can only be set when a process starts: one that was started without the flags replaces itself, under the same
 * pid, by the same program with them. What was set on the command line, in the environment or in NODE_OPTIONS (Node
 * permits the first flag alone there) stays.
 *
 * Imported first, and for this effect alone: whatever is loaded before would be loaded twice.
 */
const HEAP_FLAGS = [
  '--max-semi-space-size=8',
  '--heap-growing-percent=60',
  '--concurrent-turbofan-max-threads=1',
  '--no-maglev',
];
/** 128 KiB is where glibc starts; naming it keeps it from growing. */
const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' };

const given = `${process.execArgv.join(' ')} ${process.env['NODE_OPTIONS'] ?? ''}`;
const missing = HEAP_FLAGS.filter((flag) => !given.includes(flag.replace(/=.*/, '')));
if (missing.length > 0 && process.platform !== 'win32') {
  const { execPath, execArgv, argv, env } = process;
  process.execve?.(execPath, [execPath, ...missing, ...execArgv, ...argv.slice(1)], {
    ...MALLOC,
    ...env,
  } as Record<string, string>);
}

export {};
