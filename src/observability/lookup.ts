/** A map that makes its missing entries. Nested maps find a series by its label values, without building a key. */
export class Lookup<K, V> {
  private readonly entries = new Map<K, V>();

  constructor(private readonly make: (key: K) => V) {}

  get(key: K): V {
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    const made = this.make(key);
    this.entries.set(key, made);
    return made;
  }
}
