import { isLegalTopic, Topics } from '../../src/contract/topics';

test('topics are named as the contract says', () => {
  const topics = new Topics('messages.');
  expect(topics.results).toBe('messages.results');
  expect(topics.deadLetters).toBe('messages.dead-letters');
  expect(topics.commands(['whatsapp', 'telegram'])).toEqual([
    { topic: 'messages.commands.whatsapp', channel: 'whatsapp', lane: 'transactional' },
    { topic: 'messages.commands.whatsapp.bulk', channel: 'whatsapp', lane: 'bulk' },
    { topic: 'messages.commands.telegram', channel: 'telegram', lane: 'transactional' },
    { topic: 'messages.commands.telegram.bulk', channel: 'telegram', lane: 'bulk' },
  ]);
});

test('topics with the prefix belong to the service', () => {
  expect(new Topics('messages.').includes('messages.results')).toBe(true);
  expect(new Topics('messages.').includes('replies')).toBe(false);
});

test('a name that Kafka refuses is not legal', () => {
  expect(['a.b_c-1', 'x'.repeat(249)].every(isLegalTopic)).toBe(true);
  expect(['', '.', '..', 'a/b', 'ü', 'x'.repeat(250)].some(isLegalTopic)).toBe(false);
});
