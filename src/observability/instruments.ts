import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import {
  type LabelName,
  METRIC_PREFIX,
  METRICS,
  type MetricDefinition,
  type MetricName,
  type MetricNameOf,
} from './metric-definitions';

/** The label values of one series. A label that does not apply is absent. */
export type Labels = Partial<Record<LabelName, string | number>>;

/** One series of a counter. */
export interface CounterSeries {
  add(amount: number): void;
}

/** One series of a histogram. It is given milliseconds and shows seconds. */
export interface HistogramSeries {
  observe(valueMs: number): void;
}

class PendingCount implements CounterSeries {
  pending = 0;

  constructor(readonly labels: Labels) {}

  add(amount: number): void {
    this.pending += amount;
  }
}

/**
 * A counter whose series only add numbers. prom-client would hash the labels for each increment, so it gets the sums at
 * the scrape.
 */
export class FastCounter {
  private readonly all: PendingCount[] = [];

  constructor(registry: Registry, name: MetricNameOf<'counter'>) {
    const { all } = this;
    new Counter<LabelName>({
      ...described(registry, name),
      collect() {
        for (const series of all) {
          this.inc(series.labels, series.pending);
          series.pending = 0;
        }
      },
    });
  }

  /** A new series; its labels must be new too. It shows 0 from now on, so that a rate sees its first increment. */
  series(labels: Labels): CounterSeries {
    const series = new PendingCount(labels);
    this.all.push(series);
    return series;
  }
}

/** Upper bounds in seconds. The last one, 60 s, is longer than any timeout of a call. */
export const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;
const BUCKETS_MS = BUCKETS_S.map((bound) => bound * 1000);

class BucketCounts implements HistogramSeries {
  /** Not cumulative. The last one counts values above every bound. */
  readonly counts = Array.from({ length: BUCKETS_MS.length + 1 }, () => 0);
  sumMs = 0;

  constructor(readonly labels: Labels) {}

  observe(valueMs: number): void {
    let bucket = 0;
    while (valueMs > (BUCKETS_MS[bucket] ?? Infinity)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumMs += valueMs;
  }
}

/**
 * A histogram of durations with buckets of its own: prom-client's would hash the labels for each observation, and takes
 * no finished counts.
 */
export class FastHistogram extends Histogram<LabelName> {
  private readonly all: BucketCounts[] = [];
  private readonly description: ReturnType<typeof described>;

  constructor(registry: Registry, name: MetricNameOf<'histogram'>) {
    const description = described(registry, name);
    super({ ...description, buckets: [...BUCKETS_S] });
    this.description = description;
  }

  /** A new series; its labels must be new too. */
  series(labels: Labels): HistogramSeries {
    const series = new BucketCounts(labels);
    this.all.push(series);
    return series;
  }

  /** prom-client's registry, and its own `get`, read a histogram by this method, though its types do not say so. */
  getForPromString() {
    const { name, help } = this.description;
    const values = this.all.flatMap((series) => this.valuesOf(series));
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }

  private valuesOf({ labels: sharedLabels, counts, sumMs }: BucketCounts) {
    const { name } = this.description;
    let count = 0;
    const buckets = counts.map((inBucket, index) => {
      count += inBucket;
      return { metricName: `${name}_bucket`, sharedLabels, labels: { le: BUCKETS_S[index] ?? '+Inf' }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, sharedLabels, labels: {}, value: sumMs / 1000 },
      { metricName: `${name}_count`, sharedLabels, labels: {}, value: count },
    ];
  }
}

/** A gauge that is read at the scrape. It then has exactly the series that `read` reports. */
export function registerGauge(
  registry: Registry,
  name: MetricNameOf<'gauge'>,
  read: (report: (labels: Labels, value: number) => void) => void,
): void {
  new Gauge<LabelName>({
    ...described(registry, name),
    collect() {
      this.reset();
      read((labels, value) => this.set(labels, value));
    },
  });
}

function described(registry: Registry, name: MetricName) {
  const { labels, help }: MetricDefinition = METRICS[name];
  return { name: METRIC_PREFIX + name, help, labelNames: labels, registers: [registry] };
}
