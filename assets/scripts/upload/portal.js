// The portal's JSON API for one dataset, as docs at /api/v1/docs tell it.
export class Portal {
  constructor({ api, dataset, csrf, drop }) {
    this.dataset = dataset;
    this.root = `${api}datasets/${dataset}`;
    // The token is read at each request: it changes when the person logs in again in another tab.
    this.headers = () => ({ "X-CSRFToken": csrf(), ...(drop ? { "Drop-Link": drop } : {}) });
  }

  counts() {
    return this.#call("GET", "");
  }

  announce(files) {
    return this.#call("POST", "/files", { files });
  }

  query(paths) {
    return this.#call("POST", "/files/query", { paths });
  }

  close() {
    return this.#call("POST", "/close");
  }

  async #call(method, path, document) {
    const response = await fetch(this.root + path, {
      method,
      headers: { "Content-Type": "application/json", ...this.headers() },
      body: document && JSON.stringify(document),
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refusal(response.status, answer);
    return answer;
  }
}

export class Refusal extends Error {
  constructor(status, { code = "", message = "The portal did not answer as expected. Load the page again.", detail = {} }) {
    super(message);
    Object.assign(this, { status, code, detail });
  }
}
