/** What an engine answers to the cases of `testdata/model-vectors`, whose README has the format. Runs anywhere. */

/** A double as 16 hexadecimal digits. */
function bits(value) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

function prediction({ score, label, probabilities, components }, labels) {
  return {
    score: bits(score),
    label,
    // By the labels: JavaScript moves names that look like numbers to the front.
    probabilities: probabilities === null ? null : labels.map((name) => bits(probabilities[name])),
    components: components === undefined ? null : components.map(bits),
  };
}

function answer(engine, model, { fn, in: input }) {
  switch (fn) {
    case 'score':
      return { score: bits(model.score(JSON.parse(input.vector))) };
    case 'predict':
      return prediction(model.call('predict', { features: input.features }), model.description.labels);
    case 'nearest': {
      const { query, count, metric } = input;
      const texts = { query, count: String(count), metric: JSON.stringify(metric) };
      return model.call('nearest', texts).map(({ id, score }) => [id, bits(score)]);
    }
    case 'summarize':
      return engine
        .summarize(input.text, input.sentences)
        .map(({ index, text, score }) => [index, text, bits(score)]);
    default:
      throw new Error(`there is no function ${fn}`);
  }
}

/** One answer for each case of a file. */
export function answers(engine, { artifact, cases }) {
  const bytes = Uint8Array.from(atob(artifact ?? ''), (character) => character.charCodeAt(0));
  const model = artifact === null ? null : engine.decode(bytes);
  const found = cases.map((one) => {
    try {
      return answer(engine, model, one);
    } catch (error) {
      if (error.server === undefined) throw error;
      return { error: error.server.code };
    }
  });
  model?.dispose();
  return found;
}
