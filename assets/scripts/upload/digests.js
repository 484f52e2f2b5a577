// SHA-256 of files beside the page: the portal believes a file only when it reads back what was stated here.
export class Digests {
  #worker;
  #waiting = new Map();
  #number = 0;

  constructor(workerUrl) {
    this.#worker = new Worker(workerUrl);
    this.#worker.onmessage = ({ data: { number, sha256, error } }) => {
      const { resolve, reject } = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error) reject(new Error(error));
      else resolve(sha256);
    };
  }

  of(file) {
    return new Promise((resolve, reject) => {
      const number = this.#number++;
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, file });
    });
  }
}
