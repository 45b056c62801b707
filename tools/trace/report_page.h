/* report_page.h: the page that --html fills in (core/web/web_page.h), made from
 * tools/trace/report.html at build time. */
#ifndef TOOLS_TRACE_REPORT_PAGE_H
#define TOOLS_TRACE_REPORT_PAGE_H

#include "core/web/web_page.h"

extern const struct bytes trace_report_page;

#endif
