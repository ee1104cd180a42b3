import "htmx.org";
import "./connection.js";
import "./rows.js";
import "./upload.js";
import "./once.js";
