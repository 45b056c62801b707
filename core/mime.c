/* to be written */
typedef int mime_c_is_empty;
