import "./emergency/areas.js";
import "./emergency/hold.js";
import "./emergency/save.js";
import "./emergency/voices.js";
