'use strict';
function addFigures() {}
