// Reads numbers in Prometheus' text format.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Samples by name: `[{ labels, value }]`. */
export function parseMetrics(text) {
    const samples = new Map();
    for (const line of text.split("\n")) {
        const found = SAMPLE.exec(line);
        if (!found) continue;
        const [, name, labels = "", value] = found;
        if (!samples.has(name)) samples.set(name, []);
        samples.get(name).push({
            labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, text]) => [key, text])),
            value: value === "+Inf" ? Infinity : Number(value),
        });
    }
    return samples;
}

/** The sum of those samples that have all these labels; nothing if there is no such name. */
export function sum(samples, name, labels = {}) {
    const wanted = Object.entries(labels);
    return samples?.get(name)
        ?.filter(sample => wanted.every(([key, value]) => sample.labels[key] === value))
        .reduce((total, sample) => total + sample.value, 0);
}

/** The sums by the values of a label; nothing if there is no such name. */
export function sumsBy(samples, name, label) {
    const found = samples?.get(name);
    return found && Object.fromEntries([...new Set(found.map(sample => sample.labels[label]))]
        .map(value => [value, sum(samples, name, { [label]: value })]));
}

/**
 * The upper bound of the bucket in which a share of the observations lies that came between two
 * readings of a histogram; nothing if there were none.
 */
export function quantile(before, after, name, share) {
    const count = (sum(after, `${name}_count`) ?? 0) - (sum(before, `${name}_count`) ?? 0);
    if (!(count > 0)) return undefined;
    const bucket = after.get(`${name}_bucket`).find(({ labels, value }) =>
        value - (sum(before, `${name}_bucket`, { le: labels.le }) ?? 0) >= share * count);
    return bucket && Number(bucket.labels.le.replace("+Inf", "Infinity"));
}
