-- What people look for, and the lists of files, forms and cards, stay quick with
-- a million of them.
-- {id} {text} {rowless} are the dialect's words, see dialect.go.

-- A delivery by the id that a foreign system was told.
CREATE INDEX delivery_uid ON delivery (uid);
-- A number of a foreign system however it is grouped, without the letters and
-- zeros that it begins with; find_all.go asks by the same expression.
CREATE INDEX delivery_number ON delivery ((ltrim(replace(replace(replace(upper(number), '-', ''), ' ', ''), '/', ''), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0')))
    WHERE number <> '';

CREATE INDEX document_waiting ON document (id) WHERE placeholder = 1 AND deleted = 0;
CREATE INDEX submission_form ON submission (form, id);

CREATE INDEX card_living ON card (id) WHERE deleted = 0;
CREATE INDEX card_deleted ON card (id) WHERE deleted <> 0;
CREATE INDEX card_installed ON card (id) WHERE deleted = 0 AND installed <> 0;
CREATE INDEX card_waiting ON card (id) WHERE deleted = 0 AND installed = 0;
CREATE INDEX card_template_deleted ON card (template_id, id) WHERE deleted <> 0;
CREATE INDEX card_template_installed ON card (template_id, id) WHERE deleted = 0 AND installed <> 0;
CREATE INDEX card_template_waiting ON card (template_id, id) WHERE deleted = 0 AND installed = 0;
