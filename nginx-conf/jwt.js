// Reads the channels of a subscriber from a JSON Web Token, HS256. For jwt.conf, run by njs.

import crypto from 'crypto';

// The token's claims, or null: a wrong signature, another algorithm, too late, too early, no token.
function claims(token, secret) {
    const parts = token.split('.');
    if (parts.length !== 3) {
        return null;
    }
    const signed = parts[0] + '.' + parts[1];
    const expected = crypto.createHmac('sha256', secret).update(signed).digest('base64url');
    if (!equal(expected, parts[2])) {
        return null;
    }
    const header = JSON.parse(Buffer.from(parts[0], 'base64url').toString());
    const payload = JSON.parse(Buffer.from(parts[1], 'base64url').toString());
    const now = Date.now() / 1000;
    if (header.alg !== 'HS256' || !(payload.exp > now) || payload.nbf > now) {
        return null;
    }
    return payload;
}

// Takes equally long wherever the difference is.
function equal(a, b) {
    let difference = a.length ^ b.length;
    for (let i = 0; i < a.length; i++) {
        difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
    }
    return difference === 0;
}

// In a channels path "/" separates, "%" escapes and ".b3" asks for old messages: not in these ids.
function isPlain(id) {
    return /^[\w-]+$/.test(id);
}

// $jwt_channels: a channels path, or empty when the request has no valid token.
function channels(r) {
    const header = (r.headersIn.Authorization || '').replace(/^Bearer /, '');
    try {
        const payload = claims(r.args.token || header, r.variables.jwt_secret);
        return payload && payload.channels.every(isPlain) ? payload.channels.join('/') : '';
    } catch (e) {
        r.log('jwt: ' + e.message);
        return '';
    }
}

export default { channels };
