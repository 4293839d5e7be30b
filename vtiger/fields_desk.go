package vtiger

import "styk"

var ticketsModule = &module{
	name: ModuleHelpDesk, label: "Tickets", singular: "Ticket", kind: styk.KindTicket,
	labelFields: "ticket_title", idLabel: "ticketid", isEntity: true,
	fields: []*field{
		{name: "ticket_no", label: "Ticket No", column: "number", from: ticketNumber, prefix: "TT", locked: true},
		{name: "assigned_user_id", label: "Assigned To", is: isOwner, column: "owner_id", mandatory: true, refers: []string{ModuleUsers}},
		{name: "parent_id", label: "Organization Name", is: isReference, column: "account_id", refers: []string{ModuleAccounts}},
		{name: "ticketpriorities", label: "Priority", is: isPicklist, column: "priority", options: []string{"Low", "Normal", "High", "Urgent"}},
		{name: "product_id", label: "Product Name", locked: true},
		{name: "ticketseverities", label: "Severity", is: isPicklist, column: "severity", options: []string{"Minor", "Major", "Feature", "Critical"}},
		{name: "ticketstatus", label: "Status", is: isPicklist, column: "status", mandatory: true,
			options: []string{"Open", "In Progress", "Wait For Response", "Closed"}},
		{name: "ticketcategories", label: "Category", is: isPicklist, column: "category",
			options: []string{"Big Problem", "Small Problem", "Other Problem"}},
		{name: "update_log", label: "Update History", is: isText, locked: true},
		{name: "hours", label: "Hours", is: isInteger},
		{name: "days", label: "Days", is: isInteger},
		{name: "createdtime", label: "Created Time", is: isDateTime, column: "created", locked: true},
		{name: "modifiedtime", label: "Modified Time", is: isDateTime, column: "modified", locked: true},
		{name: "from_portal", label: "From Portal", is: isBoolean, blank: "0"},
		{name: "modifiedby", label: "Last Modified By", is: isReference, column: "modified_by", locked: true, refers: []string{ModuleUsers}},
		{name: "ticket_title", label: "Title", column: "title", mandatory: true},
		{name: "contact_id", label: "Contact Name", is: isReference, column: "contact_id", aliases: []string{"contactid"}, refers: []string{ModuleContacts}},
		{name: "source", label: "Source", column: "source"},
		{name: "starred", label: "starred", is: isBoolean, blank: "0"},
		{name: "tags", label: "tags"},
		{name: "description", label: "Description", is: isText, column: "text"},
		{name: "solution", label: "Solution", is: isText, column: "solution"},
	},
}

var documentsModule = &module{
	name: ModuleDocuments, label: "Documents", singular: "Document", kind: styk.KindDocument,
	labelFields: "notes_title", idLabel: "notesid", isEntity: true,
	fields: []*field{
		{name: "notes_title", label: "Title", column: "title", aliases: []string{"title"}, mandatory: true},
		{name: "createdtime", label: "Created Time", is: isDateTime, column: "created", locked: true},
		{name: "modifiedtime", label: "Modified Time", is: isDateTime, column: "modified", locked: true},
		{name: "assigned_user_id", label: "Assigned To", is: isOwner, column: "owner_id", mandatory: true, refers: []string{ModuleUsers}},
		{name: "folderid", label: "Folder Name", is: isReference, column: "folder_id", from: folder, refers: []string{ModuleFolders}},
		{name: "note_no", label: "Document No", column: "id", prefix: "DOC", locked: true},
		{name: "modifiedby", label: "Last Modified By", is: isReference, column: "modified_by", locked: true, refers: []string{ModuleUsers}},
		{name: "source", label: "Source", column: "source"},
		{name: "starred", label: "starred", is: isBoolean, blank: "0"},
		{name: "tags", label: "tags"},
		{name: "filename", label: "File Name", is: isFile, column: "file_name", long: true},
		{name: "filetype", label: "File Type", column: "type", locked: true},
		{name: "filesize", label: "File Size", is: isInteger, column: "size", locked: true},
		{name: "filelocationtype", label: "Download Type", is: isPicklist, column: "external", from: fileLocation, options: []string{"I", "E"}},
		{name: "fileversion", label: "Version", column: "version", from: fileVersion},
		{name: "filestatus", label: "Active", is: isBoolean, column: "hidden", from: negated},
		{name: "filedownloadcount", label: "Download Count", is: isInteger, locked: true},
		{name: "notecontent", label: "Note", is: isText, column: "text"},
		{name: "imageattachmentids", label: "Attachment", from: fileNumber, column: "sum", locked: true, ours: true},
		{name: "path", label: "Path", is: isText, column: "path", locked: true, ours: true},
	},
}

var commentsModule = &module{
	name: ModuleModComments, label: "Comments", singular: "Comment", kind: styk.KindComment,
	labelFields: "commentcontent", idLabel: "modcommentsid", isEntity: true,
	fields: []*field{
		{name: "commentcontent", label: "Comment", is: isText, column: "text", mandatory: true},
		{name: "source", label: "Source", column: "source"},
		{name: "assigned_user_id", label: "Assigned To", is: isOwner, column: "owner_id", mandatory: true, refers: []string{ModuleUsers}},
		{name: "createdtime", label: "Created Time", is: isDateTime, column: "created", locked: true},
		{name: "modifiedtime", label: "Modified Time", is: isDateTime, column: "modified", locked: true},
		{name: "related_to", label: "Related To", is: isReference, column: "related_id", from: anyRecord, mandatory: true,
			refers: []string{ModuleContacts, ModuleAccounts, ModuleProject, ModuleHelpDesk, ModuleDocuments}},
		{name: "creator", label: "Creator", is: isReference, column: "owner_id", locked: true, refers: []string{ModuleUsers}},
		{name: "parent_comments", label: "Related To Comments", is: isReference, column: "parent_id", refers: []string{ModuleModComments}},
		{name: "modifiedby", label: "Last Modified By", is: isReference, column: "modified_by", locked: true, refers: []string{ModuleUsers}},
		{name: "userid", label: "User Id", locked: true},
		{name: "reasontoedit", label: "Reason To Edit", is: isText},
		{name: "is_private", label: "Is Private", is: isBoolean, blank: "0"},
		{name: "filename", label: "Attachment", locked: true},
		{name: "related_email_id", label: "Related Email Id", is: isInteger, locked: true},
	},
}

// usersModule is read-only, and safe: stock shows the password's hash and the
// access key here (spec/vtiger.md 3.4), we do not even list them.
var usersModule = &module{
	name: ModuleUsers, label: "Users", singular: "User", labelFields: "first_name,last_name", idLabel: "id", isEntity: true,
	fields: []*field{
		{name: "user_name", label: "User Name", mandatory: true, locked: true},
		{name: "is_admin", label: "Admin", locked: true},
		{name: "first_name", label: "First Name", locked: true},
		{name: "last_name", label: "Last Name", mandatory: true, locked: true},
		{name: "roleid", label: "Role", locked: true},
		{name: "email1", label: "Primary Email", is: isEmail, locked: true},
		{name: "status", label: "Status", is: isPicklist, options: []string{"Active", "Inactive"}, locked: true},
		{name: "hour_format", label: "Calendar Hour Format", locked: true},
		{name: "title", label: "Title", locked: true},
		{name: "phone_work", label: "Office Phone", is: isPhone, locked: true},
		{name: "department", label: "Department", locked: true},
		{name: "phone_mobile", label: "Mobile Phone", is: isPhone, locked: true},
		{name: "date_format", label: "Date Format", locked: true},
		{name: "time_zone", label: "Time Zone", locked: true},
		{name: "currency_id", label: "Currency", locked: true},
		{name: "language", label: "Language", locked: true},
		{name: "userlabel", label: "User Label", locked: true},
	},
}

var groupsModule = &module{
	name: ModuleGroups, label: "Groups", singular: "Groups", labelFields: "groupname", idLabel: "groupid",
	fields: []*field{
		{name: "groupname", label: "groupname", mandatory: true, locked: true},
		{name: "description", label: "description", is: isText, locked: true},
	},
}

var foldersModule = &module{
	name: ModuleFolders, label: "DocumentFolders", singular: "DocumentFolders", labelFields: "foldername", idLabel: "folderid",
	fields: []*field{
		{name: "foldername", label: "foldername", mandatory: true, locked: true},
		{name: "description", label: "description", is: isText, locked: true},
		{name: "createdby", label: "createdby", is: isReference, refers: []string{ModuleUsers}, locked: true},
		{name: "sequence", label: "sequence", is: isInteger, locked: true},
	},
}
