// The frames of a form's states are as high as what they show.
"use strict";
const frames = [...document.querySelectorAll("iframe")];
const fit = (frame, height) => { frame.style.height = Math.min(Math.max(Math.ceil(+height) || 0, 100), 5000) + "px"; };
// A frame may have told its height before this was here to listen.
const measure = (frame) => {
  const body = frame.contentDocument && frame.contentDocument.body;
  if (body && body.querySelector(".styk")) fit(frame, body.getBoundingClientRect().height);
};
for (const frame of frames) {
  measure(frame);
  frame.addEventListener("load", () => measure(frame));
}
addEventListener("message", (e) => {
  if (e.origin !== location.origin || !e.data || e.data.styk !== "height") return;
  const frame = frames.find((f) => f.contentWindow === e.source);
  if (frame) fit(frame, e.data.height);
});
