// `mixnet report`: results as one HTML file that needs nothing else.
//
// The page is made of the files in page/ (page.html, style.css, *.js) and of Chart.js,
// which are embedded in the program; the results go in as one block of JSON, from which the page's
// scripts draw. Nothing is loaded from anywhere, and a Content-Security-Policy allows only those
// scripts, by their hashes. Texts from the folder are escaped here and put in as text there, so
// that whatever a folder holds cannot become markup.
//
// What rows do not hold (traffic, circuits, the course of a layer) is simulated again for one run
// on MixNet of each model, the first in the study at about 400 Gb/s, from the row's own command
// line.
//
// Deterministic: the same folder gives the same bytes, on any day. Memory: about 2 kB a point.
#pragma once

#include <string>

#include "report/report_folder.h"
#include "report/report_looks.h"

namespace mixnet {

std::string html_report(const ReportFolder& folder, const ParseRun& parse);

}  // namespace mixnet
