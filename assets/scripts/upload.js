// The page on which files are put into a dataset: choose or drop, send, watch them become verified, finish.
import { UploadPage } from "./upload/page.js";

const root = document.getElementById("uploader");
if (root) new UploadPage(root).start();
