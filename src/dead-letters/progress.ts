import type { WriteStream } from 'node:tty';
import { SingleBar } from 'cli-progress';
import type { RedriveProgress } from './redrive';

const LINE_EVERY_MS = 2_000;

/** Shows a bar on a terminal, else a line every 2 s. */
export function createProgress(stream: NodeJS.WriteStream): RedriveProgress {
  return stream.isTTY ? new ProgressBar(stream) : new ProgressLines((line) => void stream.write(`${line}\n`));
}

class ProgressBar implements RedriveProgress {
  private readonly bar: SingleBar;

  constructor(stream: WriteStream) {
    const format = 'redriving [{bar}] {value}/{total} {percentage}% {eta_formatted} left';
    // With gracefulExit the bar would handle Ctrl-C, which the caller does.
    this.bar = new SingleBar({ stream, format, hideCursor: true, gracefulExit: false, etaBuffer: 100 });
  }

  start(total: number): void {
    this.bar.start(total, 0);
  }

  reached(redriven: number): void {
    this.bar.update(redriven);
  }

  stop(): void {
    this.bar.stop();
  }
}

class ProgressLines implements RedriveProgress {
  private timer: NodeJS.Timeout | null = null;
  private redriven = 0;

  constructor(private readonly write: (line: string) => void) {}

  start(total: number): void {
    this.timer = setInterval(() => this.write(`${this.redriven} of ${total} redriven`), LINE_EVERY_MS);
  }

  reached(redriven: number): void {
    this.redriven = redriven;
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }
}
