const { default: Sequencer } = require('@jest/test-sequencer');

/** Specs that wait begin first, so that those that compute fill the time, and none is left alone at the end. */
module.exports = class WaitingFirst extends Sequencer {
  sort(tests) {
    const rank = ({ context }) => (context.config.displayName?.name === 'integration' ? 0 : 1);
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
};
