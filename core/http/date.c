/* date.c: formatting and reading the dates of HTTP. See date.h.
 *
 * Why not strftime, strptime and mktime: they read the locale and TZ, and take a lock of the
 * C library. The calendar here is the proleptic Gregorian one, counted in days from 1970-01-01;
 * years start in March, so that the leap day is the last day of a year and needs no case of its
 * own.
 */
#include "core/http/date.h"

#include "core/base/bytes.h"
#include "core/base/clock.h"

#include <stdint.h>

/* What a date names, before it is known to exist. */
struct civil {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day, hour, minute, second;
};

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
/* 1970-01-01 was a Thursday: days are counted from there. */
static const char *const weekdays[7] = {"Thursday", "Friday",  "Saturday", "Sunday",
                                        "Monday",   "Tuesday", "Wednesday"};

enum { DAY_S = 86400, DAYS_IN_400_YEARS = 146097, DAYS_TO_MARCH_0000 = 719468 };

/* --- formatting --- */

static struct civil civil_of(time_t at)
{
    int64_t days = at / DAY_S - (at % DAY_S < 0);
    unsigned rest = (unsigned)(at - days * DAY_S);
    int64_t shifted = days + DAYS_TO_MARCH_0000;
    int64_t era = (shifted >= 0 ? shifted : shifted - DAYS_IN_400_YEARS + 1) / DAYS_IN_400_YEARS;
    unsigned day_of_era = (unsigned)(shifted - era * DAYS_IN_400_YEARS);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0 is March */
    return (struct civil){
        .year = era * 400 + year_of_era + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
    };
}

static void put_digits(char *out, unsigned count, unsigned value)
{
    while (count > 0) {
        out[--count] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* The form has four digits for the year: a time outside 1970 to 9999 is shown as the nearest one
 * inside. */
void http_date_format(char out[HTTP_DATE_LEN], time_t at)
{
    static const time_t last = 253402300799; /* 9999-12-31 23:59:59 */
    at = at < 0 ? 0 : at > last ? last : at;
    struct civil civil = civil_of(at);
    memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_LEN);
    memcpy(out, weekdays[at / DAY_S % 7], 3);
    put_digits(out + 5, 2, civil.day);
    memcpy(out + 8, months[civil.month - 1], 3);
    put_digits(out + 12, 4, (unsigned)civil.year);
    put_digits(out + 17, 2, civil.hour);
    put_digits(out + 20, 2, civil.minute);
    put_digits(out + 23, 2, civil.second);
}

const char *http_date_now(void)
{
    static _Thread_local char text[HTTP_DATE_LEN + 1];
    static _Thread_local time_t formatted = -1;
    time_t now = clock_wall_s();
    if (now != formatted) {
        http_date_format(text, now);
        formatted = now;
    }
    return text;
}

/* --- reading: each read_ function takes what it names off the front of the text, or returns false
 * --- */

static bool read_literal(struct bytes *text, const char *literal)
{
    struct bytes start = bytes_of(literal);
    if (!bytes_start_with(*text, start)) {
        return false;
    }
    text->at += start.len;
    text->len -= start.len;
    return true;
}

static bool read_digits(struct bytes *text, unsigned count, unsigned *value)
{
    if (text->len < count) {
        return false;
    }
    *value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (text->at[i] < '0' || text->at[i] > '9') {
            return false;
        }
        *value = *value * 10 + (unsigned)(text->at[i] - '0');
    }
    text->at += count;
    text->len -= count;
    return true;
}

static bool read_year(struct bytes *text, struct civil *civil)
{
    unsigned year;
    if (!read_digits(text, 4, &year)) {
        return false;
    }
    civil->year = year;
    return true;
}

static bool read_month(struct bytes *text, struct civil *civil)
{
    for (unsigned i = 0; i < 12; i++) {
        if (read_literal(text, months[i])) {
            civil->month = i + 1;
            return true;
        }
    }
    return false;
}

static bool read_time(struct bytes *text, struct civil *civil)
{
    return read_digits(text, 2, &civil->hour) && read_literal(text, ":") &&
           read_digits(text, 2, &civil->minute) && read_literal(text, ":") &&
           read_digits(text, 2, &civil->second);
}

/* After "Sun, ": 06 Nov 1994 08:49:37 GMT */
static bool read_imf_fixdate(struct bytes text, struct civil *civil)
{
    return read_digits(&text, 2, &civil->day) && read_literal(&text, " ") &&
           read_month(&text, civil) && read_literal(&text, " ") && read_year(&text, civil) &&
           read_literal(&text, " ") && read_time(&text, civil) && read_literal(&text, " GMT") &&
           text.len == 0;
}

/* After "Sunday, ": 06-Nov-94 08:49:37 GMT. The year is put into the current century here. */
static bool read_rfc850_date(struct bytes text, struct civil *civil)
{
    unsigned year;
    bool whole = read_digits(&text, 2, &civil->day) && read_literal(&text, "-") &&
                 read_month(&text, civil) && read_literal(&text, "-") &&
                 read_digits(&text, 2, &year) && read_literal(&text, " ") &&
                 read_time(&text, civil) && read_literal(&text, " GMT") && text.len == 0;
    if (whole) {
        civil->year = civil_of(clock_wall_s()).year / 100 * 100 + year;
    }
    return whole;
}

/* After "Sun ": Nov  6 08:49:37 1994 */
static bool read_asctime_date(struct bytes text, struct civil *civil)
{
    if (!read_month(&text, civil) || !read_literal(&text, " ")) {
        return false;
    }
    unsigned digits = read_literal(&text, " ") ? 1 : 2;
    return read_digits(&text, digits, &civil->day) && read_literal(&text, " ") &&
           read_time(&text, civil) && read_literal(&text, " ") && read_year(&text, civil) &&
           text.len == 0;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Second 60 is a leap second, which the grammar allows. */
static bool date_exists(const struct civil *civil)
{
    static const unsigned lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned length = lengths[civil->month - 1] + (civil->month == 2 && is_leap(civil->year));
    return civil->day >= 1 && civil->day <= length && civil->hour < 24 && civil->minute < 60 &&
           civil->second <= 60;
}

static time_t time_of(const struct civil *civil)
{
    int64_t year = civil->year - (civil->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    unsigned month = civil->month > 2 ? civil->month - 3 : civil->month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + civil->day - 1;
    int64_t days = era * DAYS_IN_400_YEARS + year_of_era * 365 + year_of_era / 4 -
                   year_of_era / 100 + day_of_year - DAYS_TO_MARCH_0000;
    return days * DAY_S + (int64_t)civil->hour * 3600 + (int64_t)civil->minute * 60 + civil->second;
}

/* RFC 9110 5.6.7: a two-digit year that appears to be more than 50 years ahead is the most recent
 * one in the past. */
static time_t time_of_rfc850(struct civil *civil)
{
    struct civil limit = civil_of(clock_wall_s());
    limit.year += 50;
    if (limit.month == 2 && limit.day == 29) {
        limit.day = 28;
    }
    if (time_of(civil) > time_of(&limit)) {
        civil->year -= 100;
    }
    return date_exists(civil) ? time_of(civil) : (time_t)-1;
}

/* Takes a weekday's first three letters off the front; returns the others, or NULL. Whether it is
 * the date's own weekday is not checked: it carries no information. */
static const char *read_weekday(struct bytes *text)
{
    for (unsigned i = 0; i < 7; i++) {
        if (text->len >= 3 && memcmp(text->at, weekdays[i], 3) == 0) {
            text->at += 3;
            text->len -= 3;
            return weekdays[i] + 3;
        }
    }
    return NULL;
}

time_t http_date_parse(const char *text, size_t len)
{
    struct bytes rest = {text, len};
    struct civil civil = {0};
    const char *letters = read_weekday(&rest);
    if (letters == NULL) {
        return (time_t)-1;
    }
    if (read_literal(&rest, ", ")) {
        return read_imf_fixdate(rest, &civil) && date_exists(&civil) ? time_of(&civil) : (time_t)-1;
    }
    if (read_literal(&rest, " ")) {
        return read_asctime_date(rest, &civil) && date_exists(&civil) ? time_of(&civil)
                                                                      : (time_t)-1;
    }
    if (read_literal(&rest, letters) && read_literal(&rest, ", ")) {
        return read_rfc850_date(rest, &civil) ? time_of_rfc850(&civil) : (time_t)-1;
    }
    return (time_t)-1;
}
