// Files and folders from the two buttons and from dropping, each with its path below what was chosen.
import { getDroppedFiles } from "@uppy/core/utils";

export function watchChoosing(root, take) {
  for (const input of root.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      take([...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
      input.value = "";
    });
  }
  const zone = root.querySelector("[data-drop-zone]");
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    const files = await getDroppedFiles(event.dataTransfer);
    take(files.map((file) => ({ path: pathOf(file), file })));
  });
}

function pathOf(file) {
  const path = file.relativePath;
  return path && path !== "null" ? path.replace(/^\//, "") : file.name;
}
