(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var slider = document.getElementById("when"), said = document.getElementById("said");
  var me = document.getElementById("me"), halo = document.getElementById("halo");
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function clock(ms) {
    var d = new Date(ms + data.offset);
    return two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
  }
  function show() {
    var at = Number(slider.value), p = data.points, low = 0, high = p.length - 1, text = "", x = null, y, r;
    while (low < high) {
      var middle = Math.ceil((low + high) / 2);
      if (p[middle][0] <= at) { low = middle; } else { high = middle - 1; }
    }
    var a = p[low], b = p[low + 1];
    if (a && a[0] <= at && (a[0] === at || (b && b[4] === a[4]))) {
      var share = b && b[0] > a[0] ? Math.min(1, (at - a[0]) / (b[0] - a[0])) : 0;
      x = b ? a[1] + (b[1] - a[1]) * share : a[1];
      y = b ? a[2] + (b[2] - a[2]) * share : a[2];
      r = a[3];
    } else {
      text = data.nowhere;
      data.gaps.forEach(function (gap) { if (gap[0] <= at && at < gap[1]) { text = gap[2]; } });
    }
    [me, halo].forEach(function (circle) {
      circle.setAttribute("visibility", x === null ? "hidden" : "visible");
      if (x !== null) { circle.setAttribute("cx", x); circle.setAttribute("cy", y); }
    });
    if (x !== null) { halo.setAttribute("r", r); }
    said.textContent = clock(at) + (text ? " · " + text : "");
    slider.setAttribute("aria-valuetext", said.textContent);
  }
  slider.addEventListener("input", show);
  show();
}());
