/* page.h: a screenful of lines made of a snapshot.
 *
 * Lines have at most 79 columns, ASCII. Where there are fewer rows than lines, what matters least
 * is left out first: single threads, then empty lines, then queues.
 */
#ifndef TOOLS_LIVE_PAGE_H
#define TOOLS_LIVE_PAGE_H

#include "tools/live/snapshot.h"

enum { PAGE_COLUMNS = 79, PAGE_ROWS = 200 };

struct page {
    unsigned count;
    struct page_line {
        unsigned rank; /* what has the highest is left out first */
        char text[PAGE_COLUMNS + 1];
    } lines[PAGE_ROWS];
};

/* All there is to show. */
void page_make(struct page *page, const struct snapshot *snapshot);
/* Leaves lines out until there are at most `rows`, and cuts them at `columns`. */
void page_fit(struct page *page, unsigned rows, unsigned columns);

#endif
