// Verifies the DKIM signatures of messages, with DNS as told: JSON in, JSON out.
// in: {"records": {name: text}, "messages": [base64]}
// out: for each message its signatures: [{"selector", "algorithm", "result", "why", "signed", "body"}]
const { dkimVerify } = require('mailauth/lib/dkim/verify');

const { records, messages } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));

const resolver = async (name, type) => {
    if (type === 'TXT' && name in records) {
        return [records[name].match(/.{1,255}/g)];
    }
    throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
};

const signatures = async message => {
    const { results } = await dkimVerify(Buffer.from(message, 'base64'), { resolver });
    return results.map(found => ({
        selector: found.selector ?? '',
        algorithm: found.algo ?? '',
        result: found.status.result,
        why: found.status.comment ?? '',
        signed: found.signingHeaders?.keys ?? '',
        body: found.canonBodyLengthTotal ?? 0
    }));
};

Promise.all(messages.map(signatures)).then(found => console.log(JSON.stringify(found)));
