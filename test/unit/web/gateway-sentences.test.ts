import { expect } from 'chai';
import { ACTIONS, type Action, definitionOf } from '#core/actions';
import { FIRST_ACTIONS, MORE_ACTIONS } from '../../../web/src/admin/actions.ts';
import { gatewayDe } from '../../../web/src/i18n/gateway-de.ts';
import { sentences } from '../../../web/src/i18n/sentences.ts';
import { gatewaySentences, sentenceFaults, textsOf } from '../../support/gateway-sentences.ts';
import { ROOT } from '../../support/process.ts';

describe('what the gateway says, in the language of the page', () => {
  it('has every sentence of the check-up, the checks, the health, the alerts, the rights and the settings in German, and none that nobody says', () => {
    const said = gatewaySentences(ROOT);
    expect(said.shown.length).to.be.greaterThan(150);
    expect(sentenceFaults(said, gatewayDe)).to.deep.equal([]);
  });

  it('sees a sentence that lacks, one that nobody says, and a value that was forgotten', () => {
    const source = `say(\`Store \${one ? \`a \${b}\` : 'c'} is away.\`); // not 'this'\nsay('Nothing is wrong.');`;
    expect(textsOf(source)).to.have.members(['a {}', 'c', 'Store {} is away.', 'Nothing is wrong.']);
    const said = { shown: ['Store {} is away.', 'Nothing is wrong.'], all: new Set(textsOf(source)) };
    expect(
      sentenceFaults(said, { 'Store {} is away.': 'Ein Speicher ist weg.', 'All is lost.': 'Alles ist hin.' }),
    ).to.deep.equal([
      'Nothing is wrong.: lacks',
      'Store {} is away.: has other values',
      'All is lost.: the gateway does not say it',
    ]);
  });

  it('offers every action about a bucket and what is in it to whoever asks who may', () => {
    const about = Object.keys(ACTIONS).filter((name) => definitionOf(name as Action).on !== 'service');
    expect([...FIRST_ACTIONS.map(([name]) => name), ...MORE_ACTIONS].toSorted()).to.deep.equal(about.toSorted());
  });

  const german = sentences(gatewayDe);
  const inGerman = (sentence: string): string | null => german(sentence, (iso) => `<${iso}>`);

  it('finds what was put in, which may be such a sentence itself, or a moment', () => {
    expect(inGerman('never ran to its end, one runs now, nothing is damaged that is known')).to.equal(
      'noch nie zu Ende gelaufen, jetzt läuft eine, nichts Beschädigtes ist bekannt',
    );
    expect(inGerman('last ended 2026-11-25T18:00:00.000Z, nothing is damaged that is known')).to.equal(
      'die letzte endete <2026-11-25T18:00:00.000Z>, nichts Beschädigtes ist bekannt',
    );
    expect(german('37.5 GiB of 252.0 GiB free', String, (value) => value.toLocaleString('de'))).to.equal(
      '37,5 GiB von 252 GiB frei',
    );
    expect(inGerman('a (b).txt in home is damaged: A chunk cannot be read: it failed authentication.')).to.equal(
      'a (b).txt in home ist beschädigt: Ein Stück ist nicht lesbar: die Prüfung seiner Echtheit schlug fehl.',
    );
    expect(inGerman('The group family is editor of the folder "Photos/".')).to.equal(
      'Die Gruppe family hat die Rolle „Darf bearbeiten“ (Ordner "Photos/").',
    );
  });

  it('takes the sentence that says more of two that fit, and knows nothing of others', () => {
    const two = sentences({ '{} is away': 'a {1}', 'the store {} is away': 'b {1}', '{1}$&': 'c' });
    expect(two('the store x is away', String)).to.equal('b x');
    expect(two('$& is away', String)).to.equal('a $&');
    expect(two('{1}$&', String)).to.equal('c');
    expect(two('the store x is near', String)).to.equal(null);
    const few = sentences({ '{} of {}': '{1} von {2}' });
    expect(few('2 of 0 MiB', String)).to.equal('2 von 0 MiB');
    expect(few('The name of a file that nobody knows', String)).to.equal(null);
    expect(two(`${'x'.repeat(3_000)} is away`, String)).to.equal(null);
  });
});
