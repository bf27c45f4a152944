import { spellPlace } from './dead-letter';
import type { RedriveReport } from './redrive';
import type { Skipped } from './redrive-plan';
import { countText } from './views';

/** Most places that are named for each reason. */
const MAX_NAMED = 20;

const WHY: Readonly<Record<Skipped | 'too-large', string>> = {
  'filtered-out': 'left out by the filters',
  'already-redriven': 'already redriven',
  batch: 'batches of records that could not be read, not redriven: their bytes are in the dead letter',
  truncated: 'truncated, cannot be redriven: their commands are at their original place while retention has them',
  'no-command-topic': 'not from a command topic of this prefix, not redriven',
  'no-such-partition': 'from a topic or partition that does not exist, not redriven',
  'too-large': 'too large for their topic by now, not redriven',
};

/** The result of a redrive, in lines. */
export function reportText(report: RedriveReport, isDryRun: boolean): string {
  const { end, planned, redriven, skipped, impossible } = report;
  const done = `${redriven} of ${planned.total} redriven`;
  const first = isDryRun ? `${planned.total} would be redriven\n${countText(planned)}` : `${done}${ending(end)}`;
  const passed = (['already-redriven', 'filtered-out'] as const).flatMap((why) => {
    const count = skipped.get(why) ?? 0;
    return count === 0 ? [] : [`${count} ${WHY[why]}`];
  });
  const named = [...Map.groupBy(impossible, ({ why }) => why)].map(([why, letters]) => {
    const places = letters.slice(0, MAX_NAMED).map(({ place }) => spellPlace(place));
    const rest = letters.length > MAX_NAMED ? ` and ${letters.length - MAX_NAMED} more` : '';
    return `${letters.length} ${WHY[why]}: ${places.join(' ')}${rest}`;
  });
  return [first, ...passed, ...named].join('\n');
}

function ending(end: RedriveReport['end']): string {
  switch (end) {
    case 'complete':
      return '';
    case 'interrupted':
      return ': interrupted. Run it again to go on, nothing is redriven twice';
    case 'taken-over':
      return ': stopped, since another redrive with this KAFKA_GROUP_ID has started and goes on instead';
  }
}
