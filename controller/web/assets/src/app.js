import "htmx.org";
import "./connection.js";
import "./rows.js";
import "./preview.js";
import "./echo.js";
import "./upload.js";
import "./once.js";
import "./reveal.js";
