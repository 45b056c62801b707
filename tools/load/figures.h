/* figures.h: numbers for people: three digits and a unit that fits, or groups of three. */
#ifndef TOOLS_LOAD_FIGURES_H
#define TOOLS_LOAD_FIGURES_H

#include <stdint.h>

enum { FIGURE_TEXT = 32 };

/* "85.3us", "1.20ms", "2.00s". */
void figure_time(uint64_t ns, char out[FIGURE_TEXT]);
/* "20,012". */
void figure_count(uint64_t count, char out[FIGURE_TEXT]);
/* "1.25MB", of 1,000,000. */
void figure_bytes(double bytes, char out[FIGURE_TEXT]);

#endif
