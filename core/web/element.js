/* element.js: a new element, as the last one of its parent; without text where that is left out. */
"use strict";

function element(parent, name, cls, text) {
    const node = document.createElement(name);
    node.className = cls || "";
    if (text !== undefined) {
        node.textContent = text;
    }
    parent.appendChild(node);
    return node;
}
